"""What the API keeps of a person: which of their submissions were carried out, for a day."""

from emotune.api.models import Submission
from emotune.personal import PersonalData

PERSONAL_DATA = [PersonalData("submissions", of=lambda user: Submission.objects.filter(user=user), columns={})]
