import {calibrate} from './calibrate.ts';
import {clusters} from './clusters.ts';
import type {Command} from './command.ts';
import {figures} from './figures.ts';
import {doctor} from './doctor.ts';
import {live} from './live.ts';
import {models} from './models.ts';
import {policies} from './policies.ts';
import {compare} from './compare.ts';
import {profile} from './profile.ts';
import {replay} from './replay.ts';
import {schema} from './schema.ts';
import {simulate} from './simulate.ts';
import {sweep} from './sweep.ts';
import {trace} from './trace.ts';
import {validate} from './validate.ts';

/** The commands of the program, in the order of its help. A new one is a file and a line here. */
export const commands: readonly Command[] = [
  simulate,
  sweep,
  replay,
  live,
  validate,
  calibrate,
  doctor,
  trace,
  policies,
  models,
  clusters,
  compare,
  figures,
  profile,
  schema,
];
