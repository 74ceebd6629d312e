export {
  type Ceiling,
  type Checked,
  SKEW_MAX_MS,
  type SigningCase,
  type SigningRefusal,
  authorizationFor,
  refusalToSign,
} from './domain/preconditions.ts';
