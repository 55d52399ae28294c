// Prints what the files of the matrix found out, and ends with a failure if
// there is a cell that should not be.

import fs from 'node:fs';
import path from 'node:path';

const dir = path.join(process.env.LLM_TOP, 'build/sdk/table');
const files = fs.existsSync(dir) ? fs.readdirSync(dir).sort() : [];
const reasons = [];
let bad = 0;


function cell(c) {
    if (c?.not) {
        if (!reasons.includes(c.not)) {
            reasons.push(c.not);
        }

        return `n.a. (${reasons.indexOf(c.not) + 1})`;
    }

    bad += c !== 'ok';
    return c ?? 'FAIL';
}


for (const f of files) {
    const { name, columns, cells } =
        JSON.parse(fs.readFileSync(path.join(dir, f)));

    console.log(`\n${name.padEnd(26)}`
                + columns.map((c) => c.padEnd(11)).join(''));

    for (const [feature, row] of Object.entries(cells)) {
        console.log(`  ${feature.padEnd(24)}`
                    + columns.map((c) => cell(row[c]).padEnd(11)).join(''));
    }
}

console.log('');
reasons.forEach((r, i) => console.log(`(${i + 1}) ${r}`));

process.exitCode = bad || !files.length ? 1 : 0;
