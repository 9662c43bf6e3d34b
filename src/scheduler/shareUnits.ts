/**
 * A share of the device in whole units, which sums of them hold exactly: in any order, and as if what has been taken off
 * again had never been there. Rounded down, or launches that fill the device exactly might want too much of it.
 */
export const inUnits = (share: number): number => Math.floor(share * units) / units;

/** Units of the whole device: some thousand of it add up exactly. */
const units = 2 ** 40;
