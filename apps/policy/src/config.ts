import { ServiceSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the policy service, by environment variable. */
export const Settings = ServiceSettings.safeExtend({
  /** File with a URL such as `rediss://user:password@redis:6380`, of a server that is set not to evict. */
  COUNTERSIGN_REDIS_URL_FILE: z.string().min(1),
  /** Credential of the first person, who may do everything; made there when there is no such file and no such person. */
  COUNTERSIGN_OWNER_CREDENTIAL_FILE: z.string().min(1),
});
export type Settings = z.infer<typeof Settings>;
