export { type Evidence, evidenceOf } from './domain/evidence.ts';
