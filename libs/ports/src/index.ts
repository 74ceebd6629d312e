export {
  ARCHIVE,
  type AppendInput,
  CONTROL,
  type EventLog,
  type LaneId,
  type LogCapabilities,
  type LogRecord,
  type Position,
  type Subscription,
  altered,
} from './event-log.ts';
export { checkReserve, readingsAsked } from './reserve-request.ts';
export type {
  AccountChain,
  AccountReading,
  OwnerKeys,
  OwnerRotation,
  SmartAccounts,
} from './account.ts';
export type { BlockRef, BlockTag } from './block.ts';
export {
  type Attempt,
  type Book,
  type Booking,
  type Bookings,
  type Budgets,
  ENDED_KEPT_MS,
  type OpenReservation,
  type ReserveRequest,
  type ReserveResult,
} from './budgets.ts';
export type {
  AuthorizationKey,
  AuthorizationReading,
  Chain,
  Outflow,
  OutflowScan,
  SignedTransfer,
  TransferSeen,
} from './chain.ts';
export {
  type ArchiveBatch,
  type Archived,
  type ArchivedRecord,
  type Cut,
  type EventPage,
  type EventQuery,
  type EventStore,
  type FoundEvent,
  type Leaf,
  type OpenedText,
  type PaymentColumns,
  type RecordColumns,
  SPEND_LINES_MAX,
  type SpendLine,
  type SpendQuery,
  type SpendReport,
  type SqlAnswer,
  SqlRefused,
} from './event-store.ts';
export type { AgentInbox, AgentOutbox, InboundMessage, OutcomeInput } from './agent-messages.ts';
export type { Clock } from './clock.ts';
export type { DutyShares } from './duty.ts';
export type { Notification, Notifier } from './notifier.ts';
export type { StatementKey, TokenDomain, TypedData, WalletKeys } from './signer.ts';
export type { StateChanges, StateEntry, StateStore } from './state-store.ts';
