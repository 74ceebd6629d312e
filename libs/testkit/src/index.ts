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
export { VirtualTime } from './virtual-time.ts';
