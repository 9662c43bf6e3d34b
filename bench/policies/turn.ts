// A policy's turn in its benchmark: runs of one mix at several loads. A live one has a process of its own, as a live run of a user's has, and
// may get another core of the host: an H200's machine had cores that took up to twice as long as others, so that one process for all would
// compare policies on one of them by chance.
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {roomForGarbage} from '../../src/experiment/quietV8.ts';
import {LaunchLog} from '../../src/metrics/launchLog.ts';
import {duration} from '../../src/policies/duration.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import {runCell} from './grid.ts';
import type {Latencies} from './grid.ts';
import {LiveCells} from './liveCells.ts';
import {makeMixes} from './mixes.ts';
import type {Mix} from './mixes.ts';

export interface Turn {
  /** A profile's name or file, and other costs of a wake-up: `policy=duration` each. */
  readonly device: string;
  readonly decide: readonly string[];
  /** The mix by name. */
  readonly mix: string;
  readonly policy: string;
  readonly isLive: boolean;
  /** Requests a second of the mix at load 1. */
  readonly rateAtLoad1: number;
  /** Each load as it is called, with its requests a second and those of a run. */
  readonly loads: readonly {readonly name: string; readonly perSecond: number; readonly requests: number}[];
  readonly replications: readonly number[];
  /** So many requests at once tell what the policy carries; 0: that is not asked. */
  readonly atOnce: number;
  /** A folder for the launches of every run. */
  readonly launches?: string;
}

export interface TurnResult {
  /** By load: those of each replication. */
  readonly latencies: readonly (readonly Latencies[])[];
  /** Requests a second that the policy serves of those that all arrive at once; null where that was not asked. */
  readonly carried: number | null;
}

/**
 * Before the first run at a load a live host has a shorter one that does not count, with arrivals of its own: it compiles and records what
 * no load before has asked for. Without it an H200's host took 127 us for each of the first launches at 106,000 requests a second, 33 for
 * those half a second later, and nearly all requests of that run waited for what had piled up.
 */
const warmUp = {share: 0.3, replication: 1000} as const;

/** The profile with other costs of a wake-up by itself: `policy=duration` each. */
export function profileOf({device, decide: given}: Pick<Turn, 'device' | 'decide'>): DeviceProfile {
  const profile = readProfile(device);
  const decide = {...profile.host.decide_by_policy};
  for (const text of given) {
    const [policy, cost] = text.split('=');
    decide[policy] = {value: duration.parse(cost), source: 'assumed'};
  }
  return {...profile, host: {...profile.host, decide_by_policy: decide}};
}

/** Has a turn with a mix and a profile that are at hand in this process; a live one in a new process, which makes its own. */
export async function haveTurn(turn: Turn, mix: Mix, profile: DeviceProfile): Promise<TurnResult> {
  if (!turn.isLive) return runTurn(turn, mix, profile, null);
  const execArgv = [...process.execArgv, ...roomForGarbage];
  const child = fork(fileURLToPath(import.meta.url), {serialization: 'advanced', execArgv});
  child.send(turn);
  let result: TurnResult | undefined;
  child.on('message', (message) => (result = message as TurnResult));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (result === undefined)
    throw new Error(`the turn of ${turn.policy} ended without a result (exit ${code})`);
  return result;
}

async function runTurn(
  turn: Turn,
  mix: Mix,
  profile: DeviceProfile,
  live: LiveCells | null,
): Promise<TurnResult> {
  const {policy, rateAtLoad1, replications} = turn;
  const cell = {profile, policy, rateAtLoad1, ...(live && {live})};
  const latencies: Latencies[][] = [];
  for (const {name, perSecond, requests} of turn.loads) {
    const of: Latencies[] = [];
    const at = {...cell, load: perSecond / rateAtLoad1, requests};
    if (live !== null)
      await runCell(mix, {
        ...at,
        requests: Math.ceil(warmUp.share * requests),
        replication: warmUp.replication,
      });
    for (const replication of replications) {
      const log = turn.launches === undefined ? null : new LaunchLog();
      of.push(await runCell(mix, {...at, replication, ...(log && {recorder: log})}));
      if (log !== null) writeLaunches(turn.launches!, `${mix.name}-${name}-${policy}-${replication}`, log);
    }
    latencies.push(of);
  }
  // Last, so that all turns begin alike.
  const carried = turn.atOnce === 0 ? null : await carriedOf(turn.atOnce, mix, cell);
  return {latencies, carried};
}

async function carriedOf(
  requests: number,
  mix: Mix,
  cell: Pick<Parameters<typeof runCell>[1], 'profile' | 'policy' | 'rateAtLoad1' | 'live'>,
): Promise<number> {
  // More than can be served, whoever serves them.
  const {endedAtNs} = await runCell(mix, {...cell, load: 100, requests, replication: 0, cutOff: 1e6});
  return (requests / endedAtNs) * 1e9;
}

function writeLaunches(folder: string, name: string, log: LaunchLog): void {
  const lines = log.inOrder().map((launch) => `${JSON.stringify(launch)}\n`);
  writeFileSync(join(folder, `${name}.jsonl`.replaceAll(/[^\w.-]+/g, '_')), lines.join(''));
}

/** In the process of a live turn. */
async function answer(turn: Turn): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'turn-'));
  const profile = profileOf(turn);
  const live = new LiveCells(profile);
  try {
    const mix = makeMixes(folder).find(({name}) => name === turn.mix)!;
    const result = await runTurn(turn, mix, profile, live);
    // A message of more than a pipe holds would be lost if the channel were closed before it is out.
    await new Promise((resolve) => process.send!(result, resolve));
  } finally {
    await live.close();
    rmSync(folder, {recursive: true});
    process.disconnect();
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url))
  process.once('message', (turn) => void answer(turn as Turn));
