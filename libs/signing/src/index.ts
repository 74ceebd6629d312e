export {
  type Ceiling,
  type Checked,
  type SigningCase,
  type SigningRefusal,
  authorizationFor,
  refusalToSign,
  walletKeyName,
} from './domain/preconditions.ts';
