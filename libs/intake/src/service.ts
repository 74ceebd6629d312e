export { Intake, type Proposed, canonicalUrl } from './service/intake.ts';
export { Tasks } from './service/tasks.ts';
export { IntakeModule } from './service/intake.module.ts';
