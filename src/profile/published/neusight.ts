// NeuSight's two data sets of a GPU: random shapes, and the layers of whole models.
import type {Measurement} from '../measurement.ts';
import type {DeviceProfile} from '../profile.ts';
import {readNeusight} from '../readMeasurements.ts';
import type {HostTime} from '../readMeasurements.ts';
import {sources} from './sources.ts';

/** The text of a file of published measurements, by its path in their folder. */
export type Read = (file: string) => string;

/** NeuSight's host time on one GPU, in us: what tiny products take, less some 5 us for the kernel itself. */
export interface Host {
  readonly bmm: number;
  readonly linear: number;
}

/** A kernel's least time that stands clear of the host's, in ns. */
const floorNs = 15_000;
const hostTime = (us: number): HostTime => ({offsetNs: us * 1000, floorNs});

/** The two data sets as sources: both were measured on one host, whose part in the times a fit finds. */
export const oneHost = ['neusight', 'neusight-models'] as const;

/** The profile with both data sets among its sources, so that it can say what their times hold of the host. */
export function withNeusight(profile: DeviceProfile): DeviceProfile {
  const named = Object.fromEntries(oneHost.map((id) => [id, sources[id]]));
  return {...profile, sources: {...profile.sources, ...named}};
}

/** Products of random shapes; source `neusight`. */
export function randomShapes(read: Read, gpu: string, {bmm, linear}: Host): Measurement[] {
  return ['bmm', 'linear'].flatMap((op) =>
    readNeusight(read(`neusight/${op}__${gpu.replaceAll(' ', '_')}.csv`), {
      gpu,
      bmm: hostTime(bmm),
      linear: hostTime(linear),
    }),
  );
}

/** Products of the layers of models; source `neusight-models`. */
export function modelLayers(read: Read, gpu: string, {bmm, linear}: Host): Measurement[] {
  return ['bmm', 'linear'].flatMap((op) =>
    readNeusight(read(`neusight/test_${op}__all_gpus.csv`), {
      gpu,
      bmm: hostTime(bmm),
      linear: hostTime(linear),
      source: 'neusight-models',
    }),
  );
}
