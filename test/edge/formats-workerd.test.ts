import { describeFormats } from './formats.ts';

describeFormats('workerd');
