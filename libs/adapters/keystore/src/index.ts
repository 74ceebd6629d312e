export { type Keystore, type KeystoreOptions, openKeystore } from './keystore.ts';
