/** Where the program that holds `cursor` begins in `Programs.classes`, in which a negative entry ends each program. */
export function startOfProgram(classes: Int32Array, cursor: number): number {
  let start = cursor;
  while (start > 0 && classes[start - 1] >= 0) start--;
  return start;
}
