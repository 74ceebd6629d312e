import type { Chain } from '../chain.ts';
import type { Receiver } from './receiver.ts';

/** Where the story keeps logs, keys and credentials; made anew by every run. */
export const FOLDER = '.local/story';

/** Countersign as users run it: processes of its own, reached over HTTP only, that can be killed. */
export interface Countersign extends AsyncDisposable {
  readonly url: string;
  /** File with the credential of the person who may do everything. */
  readonly ownerCredentialFile: string;
  /** Where agents may speak to it by messages, if anywhere. */
  readonly brokers?: readonly string[];
  /** What is killed, for people. */
  readonly killed: string;
  /** SIGKILL in the middle of whatever it does, and a new start on what it kept. */
  killAndRestart(): Promise<void>;
}

/** What Countersign is given of the world around it. */
export interface Surroundings {
  readonly chain: Chain;
  readonly receiver: Receiver;
  /** Hex private key of an account that pays gas. */
  readonly gasKeyFile: string;
  /** How often the chain is asked about a payment that is under way, in milliseconds; often, when left out. */
  readonly pollMs?: number;
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  /** Told what is being done, for whoever waits. */
  readonly progress: (doing: string) => void;
}

export type StartCountersign = (surroundings: Surroundings) => Promise<Countersign>;
