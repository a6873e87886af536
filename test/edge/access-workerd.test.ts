import { describeAccess } from './access.ts';

describeAccess('workerd');
