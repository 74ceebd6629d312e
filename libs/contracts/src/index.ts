export { type Asset, assetId, assetsOn, findAsset } from './assets.ts';
export {
  CODES,
  type CodeInfo,
  type RefusalCode,
  SIGNING_REFUSALS,
  type SigningRefusalCode,
} from './codes.ts';
export {
  Available,
  Decision,
  Facts,
  Limit,
  Reading,
  Requirement,
  ReservationAnswer,
  TraceLine,
  Verdict,
  appliesOrNot,
} from './decision.ts';
export { ARCHIVE_EVENTS, ArchivedLane } from './events/archive-events.ts';
export {
  CONTROL_EVENTS,
  type Change,
  MessageKeys,
  type OutflowSeen,
  Role,
  Seller,
  WalletKind,
} from './events/control-events.ts';
export { Authorization, LANE_EVENTS } from './events/lane-events.ts';
export {
  type ArchiveEvent,
  type ControlEvent,
  type ControlEventName,
  type EventData,
  type EventName,
  type EventOf,
  type LaneEvent,
  type LaneEventName,
  type SignedName,
  WRITERS,
} from './events/names.ts';
export { SERVICES, type Service } from './events/services.ts';
export {
  type EncodedEvent,
  type Undecodable,
  decodeEvent,
  encodeEvent,
  encodeStatement,
  isArchiveEvent,
  isControlEvent,
  isLaneEvent,
  statementText,
  statementTextOf,
} from './events/event.ts';
export {
  Audit,
  Budget,
  BudgetScope,
  Conditions,
  Hours,
  PolicyDocument,
  Prohibition,
  Tier,
  Trust,
  Weekday,
  Window,
  LIFETIME_MAX_SECONDS,
} from './policy-document.ts';
export { JOINED_MAX, isJoined, joinStatements, joinedText } from './joined-statements.ts';
export { grantText } from './grant.ts';
export { limitHolds, pickTier } from './limits.ts';
export { PROOF_FORMAT, ProofBundle, ProvenRecord } from './proof.ts';
export { Quote, Resource, authorityOf, pathOf, quoteDigest } from './quote.ts';
export { Basis, CostKind, OutcomeResult, Reference, TaskPhase, TaskTerms, Unit } from './task.ts';
export {
  Address,
  Atomic,
  Bytes32,
  Code,
  Commitment,
  DigestHex,
  MessageId,
  Name,
  Network,
  PaymentId,
  SessionName,
  SessionState,
  StatementSignature,
  TimeMs,
  TimeZone,
  isName,
} from './text.ts';
export { PATH_PARAMETERS, type PathParameter } from './api-route.ts';
export { type Caller, ROUTES, type Route, type RouteName } from './api.ts';
export { ChangeView } from './api-changes.ts';
export { AvailableView } from './api-available.ts';
export { SessionTerms, SessionView } from './api-sessions.ts';
export { TaskDetails, TaskView } from './api-tasks.ts';
export { AsOf, EventView, FeedEvent, FeedQuery, SearchQuery } from './api-audit-views.ts';
export {
  ApprovalView,
  PaymentStatus,
  PaymentView,
  Problem,
  type EvaluateBody,
  ProposeBody,
  type SessionStanding,
  Timeline,
} from './api-views.ts';
export {
  AgentMessage,
  DeliveryMessage,
  INBOUND_TOPIC,
  IntentMessage,
  MESSAGE_AGE_MAX_MS,
  MESSAGE_AHEAD_MAX_MS,
  MESSAGE_BYTES_MAX,
  OUTCOMES_TOPIC,
  OutcomeMessage,
  SIGNATURE_HEADER,
  SealedOutcome,
  messageText,
} from './messages.ts';
