import { describeMatching } from './behaviours.ts';

describeMatching('workerd');
