export { AuditModule } from './service/audit.module.ts';
