import { join } from 'node:path';
import { z } from 'zod';
import { SANDBOX_NETWORK } from '../chain.ts';
import { type Countersign, FOLDER, type Surroundings } from './countersign.ts';
import { type Program, startProgram } from './program.ts';

const Ready = z.object({ url: z.string(), ownerCredentialFile: z.string() });

/** All of Countersign in one process, on a SQLite file and a local keystore. */
export async function startStandalone(surroundings: Surroundings): Promise<Countersign> {
  const { chain, receiver, gasKeyFile, port, progress } = surroundings;
  progress('starting Countersign as a process of its own');
  const settings = {
    COUNTERSIGN_DATA_DIR: join(FOLDER, 'countersign'),
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_CHAINS: `${SANDBOX_NETWORK}=${chain.rpcUrl}`,
    COUNTERSIGN_GAS_KEY_FILE: gasKeyFile,
    COUNTERSIGN_WEBHOOK_URL: receiver.url,
    COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE: 'yes',
    COUNTERSIGN_POLL_MS: '250',
  };
  let program = await started(settings);
  const { url, ownerCredentialFile } = Ready.parse(JSON.parse(program.firstLine));
  return {
    url,
    ownerCredentialFile,
    killed: 'Countersign was killed (SIGKILL)',
    async killAndRestart() {
      await program.kill();
      // A restart takes the same port, so that everybody finds it again.
      program = await started({ ...settings, COUNTERSIGN_PORT: new URL(url).port });
    },
    [Symbol.asyncDispose]: () => program.stop(),
  };
}

function started(settings: Readonly<Record<string, string>>): Promise<Program> {
  const logFile = join(FOLDER, 'countersign.log');
  return startProgram({ main: 'apps/standalone/src/main.ts', settings, logFile });
}
