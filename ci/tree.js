// The files of the checkout.
'use strict';
const { readdirSync } = require('node:fs');

const root = `${__dirname}/..`;
const skipped = ['target', 'node_modules', '.git', 'corpus', 'artifacts'];

// The paths of all files below a directory whose names match, sorted.
const files = (pattern, directory = '.') =>
  readdirSync(`${root}/${directory}`, { withFileTypes: true })
    .flatMap((entry) => {
      const path = directory === '.' ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : files(pattern, path);
      return pattern.test(entry.name) ? [path] : [];
    })
    .sort();

module.exports = { files, root };
