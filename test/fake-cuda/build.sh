#!/bin/sh
# Builds the stand-ins for CUDA's libraries: build.sh OUTPUT_FOLDER. Needs a C compiler that knows _Float16 (gcc 12).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out" "$out/cublas-11"
flags="-std=gnu11 -O2 -Wall -Wextra -Werror=implicit-function-declaration -Wl,--no-undefined -fPIC -shared -fvisibility=hidden -pthread"
cc=${CC:-gcc}
$cc $flags -Wl,-soname,libcuda.so.1 -o "$out/libcuda.so.1" "$here/device.c" "$here/events.c" "$here/faults.c" "$here/graphs.c" "$here/kernels.c" \
  "$here/memory.c" "$here/streams.c"
# The others call back into the driver's stand-in, which lies beside them.
link="-Wl,-rpath,\$ORIGIN -L$out -l:libcuda.so.1"
$cc $flags -Wl,-soname,libcublas.so.12 -o "$out/libcublas.so.12" "$here/cublas.c" $link
$cc $flags -Wl,-soname,libnvrtc.so.12 -o "$out/libnvrtc.so.12" "$here/nvrtc.c" $link
$cc $flags -Wl,-soname,libnvidia-ml.so.1 -o "$out/libnvidia-ml.so.1" "$here/nvml.c" $link
$cc $flags -DWITHOUT_GROUPED -Wl,-rpath,\$ORIGIN/.. -Wl,-soname,libcublas.so.11 -o "$out/cublas-11/libcublas.so.11" "$here/cublas.c" -L"$out" -l:libcuda.so.1
