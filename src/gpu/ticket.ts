/** The ticket of the launch after one: whole 32-bit numbers that wrap around, without 0, which signals nothing. */
export function following(ticket: number): number {
  return (ticket + 1) | 0 || 1;
}
