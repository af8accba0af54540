fetch('/api/status')
  .then(function (answer) { return answer.json(); })
  .then(function (status) { document.getElementById('kbn_text').textContent = status.status.overall.nickname; });
