export { type EvmChainOptions, evmChain } from './evm-chain.ts';
