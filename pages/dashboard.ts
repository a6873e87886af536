import { startShell } from './dashboard/shell.ts';

startShell();
