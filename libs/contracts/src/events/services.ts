/** Every service that writes records, by the name under which its key is known. */
export const SERVICES = [
  'intake',
  'policy',
  'approval',
  'signer',
  'settlement',
  'alerting',
  'recorder',
] as const;
export type Service = (typeof SERVICES)[number];
