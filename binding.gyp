{
  'targets': [{
    'target_name': 'gpu',
    'sources': [
      'src/gpu/native/addon.cc',
      'src/gpu/native/check.cc',
      'src/gpu/native/context.cc',
      'src/gpu/native/elementwise.cc',
      'src/gpu/native/gemm.cc',
      'src/gpu/native/graph.cc',
      'src/gpu/native/kernels.cc',
      'src/gpu/native/lanes.cc',
      'src/gpu/native/libraries.cc',
      'src/gpu/native/memory.cc',
      'src/gpu/native/probe.cc',
      'src/gpu/native/shared_memory.cc',
      'src/gpu/native/timing.cc',
    ],
    'include_dirs': ["<!@(node -p \"require('node-addon-api').include\")"],
    'defines': ['NAPI_VERSION=9', 'NODE_ADDON_API_CPP_EXCEPTIONS'],
    'cflags!': ['-fno-exceptions'],
    'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
    # The addon links nothing of CUDA: the libraries are opened at run time, so one file serves every machine.
    'cflags_cc': ['-std=c++20', '-fvisibility=hidden', '-O2', '-Wall', '-Wextra', '-Wno-missing-field-initializers'],
    'conditions': [['OS=="linux"', {'libraries': ['-ldl']}]],
  }],
}
