import type {DeviceProfile} from '../profile.ts';

/** Where the numbers of the published profiles come from. */
export const sources: DeviceProfile['sources'] = {
  neusight: {
    title: 'NeuSight: times of torch.bmm and torch.nn.functional.linear with kernel names and grids',
    licence: 'MIT',
    url: 'https://github.com/sitar-lab/NeuSight',
    date: '2024',
    library: 'PyTorch 2.1, CUDA 12.1',
    note: 'less a fixed host time, good to +-5 us; what sits on the host’s own speed is left out',
  },
  'neusight-models': {
    title: 'NeuSight: the same for layers of whole models, its test set',
    licence: 'MIT',
    url: 'https://github.com/sitar-lab/NeuSight',
    date: '2024',
    note: 'as neusight',
  },
  deepbench: {
    title: 'DeepBench: dense matrix multiplication',
    licence: 'Apache-2.0',
    url: 'https://github.com/baidu-research/DeepBench',
    date: '2019',
    library: 'cuBLAS of CUDA 10.1',
    note: 'rounded to whole us; takes no part in a fit',
  },
  vidur: {
    title: 'Vidur: times of the linear layers of language models',
    licence: 'MIT',
    url: 'https://github.com/microsoft/vidur',
    date: '2024',
    note: 'FP16 with tensor cores',
  },
  'gpu-benches': {
    title: 'gpu-benches: stream, cache and latency measurements',
    licence: 'GPL-3.0; figures only',
    url: 'https://github.com/te42kyfo/gpu-benches',
    date: '2024',
  },
  igniter: {
    title: 'iGniter: Nsight Systems traces and configuration of a V100-SXM2-16GB',
    licence: 'figures only',
    url: 'https://github.com/icloud-ecnu/igniter',
    date: '2022',
    library: 'TensorRT 8',
  },
  nvidia: {title: 'NVIDIA’s data sheets and architecture white papers', licence: 'figures only'},
  computed: {title: 'computed from SMs, lanes and clock', licence: 'none'},
  probe: {
    title: 'a probe of one host by this project: Node 20, driver 580, CUDA 13.0, cuBLAS 13.1',
    licence: 'Apache-2.0',
    date: '2026',
    note: 'the host of an H200: host costs of other machines differ',
  },
  'compute-policy': {
    title: 'default time slice as documented for nvidia-smi compute-policy',
    licence: 'figures only',
    url: 'https://redhat-ai-services.github.io',
    note: 'of no GPU in particular',
  },
  assumption: {
    title: 'assumption: nobody’s measurement',
    licence: 'none',
    note: 'start interval, interference and exposure are carried over from measurements of an H200; no public measurement for this GPU',
  },
};
