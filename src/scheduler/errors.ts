// Every way a command can end other than well, by family; cli/ maps the families to exit codes in one table.

/** An error that a person can act on. The message is one sentence: where, what, and what was expected. */
export class SuperkernelError extends Error {
  /** A stable word for programs, e.g. `SCENARIO`. */
  readonly code: string = 'FAILED';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The command line, a scenario, a profile or a model list is malformed; nothing was run. */
export class InputError extends SuperkernelError {
  override readonly code: string = 'INPUT';
}

/** A policy broke a rule, e.g. selected a kernel that is not ready. The message names the policy and the decision. */
export class PolicyError extends SuperkernelError {
  override readonly code: string = 'POLICY';
}

/** The device, simulated or real, failed or was given something it cannot run. */
export class DeviceError extends SuperkernelError {
  override readonly code: string = 'DEVICE';
}

/** A live command found no GPU that it can use. */
export class NoDeviceError extends DeviceError {
  override readonly code: string = 'NO_DEVICE';
}
