/**
 * Which shape classes a policy may coalesce: every class alone, or clusters of classes whose kernels are padded to a
 * common shape. The ready kernels are kept by group.
 */
export interface Groups {
  /** Number of groups. */
  readonly count: number;
  /** The group of a class; classes beyond the array, interned later, are groups of their own. */
  readonly of: Int32Array;
  /** The class of a group's common shape: that of its members where they are all one class. */
  readonly common: Int32Array;
}

/** Every class a group of its own: coalescing without padding. */
export function groupPerClass(classes: number): Groups {
  const identity = Int32Array.from({length: classes}, (_, i) => i);
  return {count: classes, of: identity, common: identity};
}
