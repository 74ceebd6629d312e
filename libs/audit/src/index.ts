export { NotAProof, bundleText, readBundle } from './domain/bundle.ts';
export {
  type CheckedProof,
  type Finding,
  type Presented,
  type Trust,
  checkProof,
} from './domain/proof.ts';
