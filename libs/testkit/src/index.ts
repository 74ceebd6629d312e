export {
  LaneBench,
  NETWORK,
  OWNER,
  PAYEE,
  SELLER,
  SIGNATURE,
  USDC,
  WALLET,
  quoteOf,
} from './lane-bench.ts';
export { MemoryMessages } from './memory-messages.ts';
export { MemoryDuty } from './memory-duty.ts';
export { VirtualTime } from './virtual-time.ts';
export { type Ending, PaidLog, statementKeyOf } from './paid-log.ts';
