export { Intake, type Proposed, canonicalUrl } from './service/intake.ts';
export { IntakeModule } from './service/intake.module.ts';
