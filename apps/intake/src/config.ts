import { ServiceSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the intake service, by environment variable. */
export const Settings = ServiceSettings.safeExtend({
  /**
   * Whose messages on Kafka are taken: `keys`, those that the agent's registered key signed; `keys-and-topics`, also those
   * in a topic of the agent's own that exactly one principal may write to; `off`, nobody's.
   */
  COUNTERSIGN_MESSAGES: z.enum(['off', 'keys', 'keys-and-topics']).default('keys'),
});
export type Settings = z.infer<typeof Settings>;
