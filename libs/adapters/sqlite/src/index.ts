export { type Store, openStore } from './store.ts';
export { type StoreOptions, type SyncStore, openSyncStore } from './sync-store.ts';
export { openStateStore } from './state-store.ts';
