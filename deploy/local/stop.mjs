/** Stops what `start.mjs` of this clone started, and nothing else. Data stays under `.local/stack`. */
import { stopAll } from './running.mjs';

const stopped = stopAll();
console.log(stopped.length === 0 ? 'Nothing was running.' : `Stopped ${stopped.join(', ')}.`);
