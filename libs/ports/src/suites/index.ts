export {
  type AccountsUnderTest,
  type OwnerUnderTest,
  describeAccounts,
} from './accounts.contract.ts';
export { type AgentMessagesUnderTest, describeAgentMessages } from './agent-messages.contract.ts';
export { describeBudgetsModel } from './budgets-model.contract.ts';
export { describeBudgets } from './budgets.contract.ts';
export type { BudgetsFactory, BudgetsUnderTest } from './budgets.fixture.ts';
export { type DutyFactory, type DutyUnderTest, describeDuty } from './duty.contract.ts';
export {
  type EventLogFactory,
  type EventLogUnderTest,
  SetClock,
  describeEventLog,
} from './event-log.contract.ts';
export { type StatementKeysUnderTest, describeStatementKeys } from './statement-key.contract.ts';
export { type OwnerKeysUnderTest, describeOwnerKeys } from './owner-keys.contract.ts';
export {
  type EventStoreFactory,
  type EventStoreUnderTest,
  type RowCounts,
  describeEventStore,
} from './event-store.contract.ts';
export { type WalletKeysUnderTest, describeWalletKeys } from './wallet-keys.contract.ts';
export {
  type AuthorizationTerms,
  type ChainCall,
  type ChainUnderTest,
  type SignedCancellation,
  describeChain,
} from './chain.contract.ts';
export {
  type NotifierFactory,
  type NotifierUnderTest,
  describeNotifier,
} from './notifier.contract.ts';
export {
  type StateStoreFactory,
  type StateStoreUnderTest,
  describeStateStore,
} from './state-store.contract.ts';
