(function () {
  var form = document.forms.f;
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    fetch('/remote/logincheck', { method: 'POST', body: new URLSearchParams(new FormData(form)) })
      .then(function (answer) { return answer.text(); })
      .then(function (text) { document.getElementById('err_str').textContent = /^ret=0/.test(text) ? 'Error: Permission denied.' : ''; });
  });
})();
