import { runService } from '@countersign/hosting';
import { compose } from './compose.ts';
import { Settings } from './config.ts';

await runService({ service: 'alerting', settings: Settings, sharesDuty: true, compose });
