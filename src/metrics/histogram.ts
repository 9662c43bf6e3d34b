/** Sub-buckets per power of two: a value is known to within 1/256 of itself. */
const subBuckets = 128;
const buckets = 47 * subBuckets;

/**
 * Counts of whole numbers from 0 to 2^53 in buckets that grow with the value: exact below 256, within 0.4 % above.
 * Takes 24 kB whatever it counts.
 */
export class LogLinearHistogram {
  count = 0;
  private readonly counts = new Uint32Array(buckets);

  add(value: number): void {
    this.counts[bucketOf(value)]++;
    this.count++;
  }

  /** Adds all that another histogram counted. */
  merge(other: LogLinearHistogram): void {
    for (let i = 0; i < buckets; i++) this.counts[i] += other.counts[i];
    this.count += other.count;
  }

  /** The quantile at `p` by the R-7 rule over bucket middles; NaN where nothing was counted. */
  quantile(p: number): number {
    if (this.count === 0) return NaN;
    const rank = (this.count - 1) * p;
    const below = this.atRank(Math.floor(rank));
    const fraction = rank - Math.floor(rank);
    return fraction === 0 ? below : below + fraction * (this.atRank(Math.floor(rank) + 1) - below);
  }

  /** The middle of the bucket that holds the value of a rank, counted from 0 in rising order. */
  private atRank(rank: number): number {
    let seen = 0;
    for (let i = 0; i < buckets; i++) {
      seen += this.counts[i];
      if (seen > rank) return middleOf(i);
    }
    return NaN;
  }
}

function bucketOf(value: number): number {
  if (!(value >= 2 * subBuckets)) return value > 0 ? Math.floor(value) : 0;
  const high = Math.floor(value / 0x1_0000_0000);
  const exponent = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value);
  const shift = exponent - 7;
  return shift * subBuckets + Math.floor(value / 2 ** shift);
}

function middleOf(bucket: number): number {
  if (bucket < 2 * subBuckets) return bucket;
  const shift = Math.floor(bucket / subBuckets) - 1;
  const width = 2 ** shift;
  return (bucket - shift * subBuckets) * width + (width - 1) / 2;
}
