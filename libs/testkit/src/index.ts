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
