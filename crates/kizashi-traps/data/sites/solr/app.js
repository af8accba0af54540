document.addEventListener('DOMContentLoaded', function () {
  fetch('/solr/admin/info/system?wt=json')
    .then(function (answer) { return answer.json(); })
    .then(function (system) { document.getElementById('spec').textContent = system.lucene['solr-spec-version']; });
});
