export { ChainSettings, NotifierSettings, ServiceSettings, TokenList, count } from './config.ts';
export { openVault, ownKey } from './keys.ts';
export type { Work } from './log-transport.ts';
export { type Composition, type Surroundings, runService } from './run-service.ts';
