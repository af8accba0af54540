window.addEventListener('DOMContentLoaded', function () {
  var name = document.getElementById('input_username');
  if (name && !name.value) name.focus();
});
