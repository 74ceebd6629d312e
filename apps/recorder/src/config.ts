import { ServiceSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the recorder, by environment variable. */
export const Settings = ServiceSettings.safeExtend({
  /** File with the URL of a ClickHouse server, with user and password; without it the engine runs in this process. */
  COUNTERSIGN_CLICKHOUSE_URL_FILE: z.string().min(1).optional(),
});
export type Settings = z.infer<typeof Settings>;
