// Loaded before the program (--import): simulations run in its own thread, as starting another takes longer than most of them.
import {register} from 'node:module';

register('./withoutThreadsHooks.js', import.meta.url);
