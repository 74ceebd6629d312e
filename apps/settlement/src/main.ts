import { runService } from '@countersign/hosting';
import { compose } from './compose.ts';
import { Settings } from './config.ts';

await runService({ service: 'settlement', settings: Settings, sharesDuty: true, compose });
