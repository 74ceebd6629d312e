export { Intake, type Proposed, canonicalUrl } from './service/intake.ts';
export { Sessions } from './service/sessions.ts';
export { Tasks } from './service/tasks.ts';
export { IntakeModule } from './service/intake.module.ts';
export { type MessagesDuty, type MessagesParts, messagesDuty } from './service/messages.duty.ts';
export { Unattributed } from './service/unattributed.ts';
