// Stand-in for libnvidia-ml: one device that gives some readings and refuses others.
#include <stdio.h>
#include <string.h>

#include "fake.h"

enum { NOT_SUPPORTED = 3, NOT_FOUND = 6 };
typedef const char *Device;

EXPORT int nvmlInit_v2(void) { return fakeFault("nvmlInit_v2"); }

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  snprintf(version, length, "570.00");
  return 0;
}

EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *id, Device *device) {
  *device = "device";
  return strcmp(id, "0000:01:00.0") == 0 ? 0 : NOT_FOUND;
}

EXPORT int nvmlDeviceGetClockInfo(Device device, int type, unsigned *megahertz) {
  (void)device;
  *megahertz = type == 1 ? 1980 : 2619;
  return 0;
}

EXPORT int nvmlDeviceGetPowerUsage(Device device, unsigned *milliwatts) {
  (void)device;
  *milliwatts = 123456;
  return 0;
}

EXPORT int nvmlDeviceGetTemperature(Device device, int sensor, unsigned *celsius) {
  (void)device, (void)sensor, (void)celsius;
  return NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long *reasons) {
  (void)device;
  *reasons = 4;
  return 0;
}
