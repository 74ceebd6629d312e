import type { Authorization } from '@countersign/contracts';
import type {
  AppendInput,
  Book,
  LogRecord,
  ReserveRequest,
  ReserveResult,
} from '@countersign/ports';
import type { Folded } from '@countersign/service-kit';
import type { Usage } from '../chain.ts';
import type { Seen } from '../history.ts';
import type { Signature } from '../keys.ts';
import type { Process } from '../replica.ts';
import type { World } from '../world.ts';

/** Something that must always hold. Each sees what happened at the moment it did, and reports what should not have. */
export interface Invariant {
  /** A record stands in the log. */
  onRecord?(seen: Seen): void;
  /** A process appends a record, at a time of its own clock: before it stands in the log, if it ever does. */
  onAppend?(process: Process, input: AppendInput, nowMs: number): void;
  /** A wallet key is made to sign. */
  onSignature?(signature: Signature): void;
  /** A wallet's key is destroyed. */
  onDestroyed?(wallet: string): void;
  /** An agent was given a signature. */
  onBearer?(paymentId: string, authorization: Authorization, signature: string): void;
  onReserve?(request: ReserveRequest, result: ReserveResult): void;
  onCommit?(tenant: string, paymentId: string): void;
  onRelease?(tenant: string, paymentId: string): void;
  /** The counters of a tenant were made anew. */
  onRebuild?(book: Book): void;
  /** A block used or canceled a nonce. */
  onUsage?(usage: Usage): void;
  /** A replica has folded a record. */
  onFolded?(process: Process, record: LogRecord, folded: Folded): void;
  onStep?(): void;
  /** Faults are over and nothing moves any more. */
  atEnd?(): void;
}

export type Report = (account: string) => void;
export type MakeInvariant = (world: World, report: Report) => Invariant;
