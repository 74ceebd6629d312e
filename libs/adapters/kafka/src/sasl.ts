import { z } from 'zod';

const login = { username: z.string(), password: z.string() };

/** How somebody logs in to the brokers, as a file says it in JSON. */
export const SaslLogin = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: z.literal('plain'), ...login }),
  z.strictObject({ mechanism: z.literal('scram-sha-256'), ...login }),
  z.strictObject({ mechanism: z.literal('scram-sha-512'), ...login }),
]);
export type SaslLogin = z.infer<typeof SaslLogin>;
