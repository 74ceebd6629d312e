import { runService } from '@countersign/hosting';
import { compose } from './compose.ts';
import { Settings } from './config.ts';

await runService({ service: 'intake', settings: Settings, sharesDuty: true, compose });
