// Writes the examples of every trace format: node traces/make-examples.mjs [folder]
// The rows are invented (Poisson arrivals, random sizes); only their form is that of the published traces.
import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {format, resolveConfig} from 'prettier';
import seedrandom from 'seedrandom';

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), 'examples');
const random = seedrandom.alea('examples');
const int = (below) => Math.floor(random() * below);
const hash = (length) => Array.from({length}, () => int(16).toString(16)).join('');
const pad = (number, length = 2) => String(number).padStart(length, '0');

/** Poisson arrival times in seconds. */
function poisson(rate, count) {
  let at = 0;
  return Array.from({length: count}, () => (at += -Math.log(1 - random()) / rate));
}

function write(name, lines) {
  writeFileSync(join(folder, name), lines.join('\n') + '\n');
}

async function writeJson(name, value) {
  const style = await resolveConfig(fileURLToPath(import.meta.url));
  writeFileSync(join(folder, name), await format(JSON.stringify(value, null, 2), {...style, parser: 'json'}));
}

mkdirSync(folder, {recursive: true});

const clock = (seconds) =>
  `${pad(18)}:${pad(15 + Math.floor(seconds / 60))}:${pad(Math.floor(seconds) % 60)}`;
write('azure-llm.csv', [
  'TIMESTAMP,ContextTokens,GeneratedTokens',
  ...poisson(2, 40).map(
    (at) => `2023-11-16 ${clock(at)}.${pad(Math.floor((at % 1) * 1e7), 7)},${1 + int(4000)},${1 + int(400)}`,
  ),
]);

const minutes = 30;
write('azure-functions-2019.csv', [
  ['HashOwner', 'HashApp', 'HashFunction', 'Trigger', ...Array.from({length: minutes}, (_, i) => i + 1)].join(
    ',',
  ),
  ...['http', 'queue', 'timer'].map((trigger) => {
    const counts = Array.from({length: minutes}, (_, i) =>
      trigger === 'timer' ? Number(i % 5 === 0) : int(4),
    );
    return [hash(64), hash(64), hash(64), trigger, ...counts].join(',');
  }),
]);

const functions = Array.from({length: 4}, () => `${hash(64)},${hash(64)}`);
write('azure-functions-2021.csv', [
  'app,func,end_timestamp,duration',
  ...poisson(0.5, 30).map((end) => `${functions[int(4)]},${end.toFixed(9)},${(random() * 3).toFixed(3)}`),
]);

write('burstgpt.csv', [
  'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
  ...poisson(0.02, 30).map((at) => {
    const [request, response] = [1 + int(1500), 1 + int(500)];
    const model = random() < 0.7 ? 'ChatGPT' : 'GPT-4';
    return `${Math.floor(at)},${model},${request},${response},${request + response},Conversation log`;
  }),
]);

let block = 0;
write(
  'mooncake.jsonl',
  poisson(3, 30).map((at) => {
    const input = 1 + int(4000);
    return JSON.stringify({
      timestamp: Math.floor(at * 1000),
      input_length: input,
      output_length: 1 + int(500),
      hash_ids: Array.from({length: Math.ceil(input / 512)}, () => block++),
    });
  }),
);

write('servegen.csv', [
  'client,t_s,rate_rps,cv,dist,p1,p2',
  ...[0, 1, 2].flatMap((client) =>
    [0, 600, 1200, 1800].map((start) => {
      const rate = 0.02 + random() * 0.2;
      // Gamma gaps of mean shape x scale; the Weibull ones of shape 1/2 have mean 2 x scale and cv sqrt(5).
      const weibull = client === 2;
      const shape = weibull ? 0.5 : 0.4 + random();
      const scale = 1 / (rate * (weibull ? 2 : shape));
      const cv = Math.sqrt(weibull ? 5 : 1 / shape);
      const [cvText, p1, p2] = [cv, shape, scale].map((x) => x.toFixed(4));
      return `${client},${start},${rate.toFixed(5)},${cvText},${weibull ? 'Weibull' : 'Gamma'},${p1},${p2}`;
    }),
  ),
]);

const task = (id, model, load) => ({id, load, client: {name: id, model_name: model, batch_size: 1}});
await writeJson('disb.json', {
  time: 10,
  tasks: [
    task('camera_rt', 'resnet152-imagenet', {type: 'periodic', priority: 0, frequency: 5}),
    task('lidar_rt', 'vgg19-imagenet', {type: 'periodic', priority: 0, frequency: 5}),
    task('speech_rt', 'distilbert', {type: 'poisson', frequency: 3}),
    task('radar_rt', 'densenet201-imagenet', {
      type: 'trace',
      trace: poisson(2, 15).map((at) => Math.floor(at * 1000)),
    }),
    task('batch_be', 'inceptionv3-imagenet', {type: 'continuous'}),
  ],
});

await writeJson(
  'orion.json',
  Array.from({length: 40}, () => Number((-Math.log(1 - random()) * 0.05).toFixed(3))),
);

write('arrivals.csv', [
  'at_ns,tenant',
  ...poisson(20, 40).map((at) => `${Math.floor(at * 1e9)},${['chat', 'search', 'vision'][int(3)]}`),
]);

write(
  'custom.jsonl',
  poisson(1, 24).map((at) =>
    JSON.stringify({ts: 1_700_000_000 + Number(at.toFixed(6)), model: `model-${int(3)}`}),
  ),
);
